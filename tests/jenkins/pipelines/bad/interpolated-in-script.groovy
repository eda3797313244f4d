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
                    if (params.NAME) {
                        sh "echo $NAME" // error: sh: Groovy puts values into the text of the shell
                    }
                }
            }
        }
    }
}
