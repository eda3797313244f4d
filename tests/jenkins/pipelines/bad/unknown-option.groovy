pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
        timestamp() // error: unknown option timestamp in options, did you mean timestamps?
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
