pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            step { // error: unknown directive step in stage, did you mean steps?
                echo 'a'
            }
            steps {
                echo 'b'
            }
        }
    }
}
