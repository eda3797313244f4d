pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                sh(script: 'false', returnStatus: true) // error: the exit code is asked for and lost
            }
        }
    }
}
