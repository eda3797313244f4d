pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
    post {
        always {
            bat "echo ${params.NAME}" // error: bat: Groovy puts values into the text of the shell
        }
    }
}
