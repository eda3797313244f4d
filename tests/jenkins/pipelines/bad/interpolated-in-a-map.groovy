pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                sh(script: "echo ${NAME}", label: 'x') // error: sh: Groovy puts values into the text of the shell
            }
        }
    }
}
