pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    environment {
        A = 'a'
        A = 'b' // error: A is set twice
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
