pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                script {
                    def line = 'echo ' + params.NAME
                    sh(script: line) // error: sh: the text of the shell is made elsewhere
                }
            }
        }
    }
}
