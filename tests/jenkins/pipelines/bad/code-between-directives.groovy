pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    def x = 1 // error: this is no directive of pipeline
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
