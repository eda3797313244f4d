pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            when {
                expresion { true } // error: unknown condition expresion in when, did you mean expression?
            }
            steps {
                echo 'a'
            }
        }
    }
}
