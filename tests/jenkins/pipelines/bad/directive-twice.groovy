pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    environment {
        A = 'a'
    }
    environment { // error: environment stands twice in pipeline
        B = 'b'
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
