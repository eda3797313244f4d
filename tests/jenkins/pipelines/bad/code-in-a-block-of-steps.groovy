pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                withEnv(['A=a']) {
                    def x = 1 // error: only steps may stand here
                }
            }
        }
    }
}
