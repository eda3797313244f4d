pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    enviroment { // error: unknown directive enviroment in pipeline, did you mean environment?
        A = 'a'
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
