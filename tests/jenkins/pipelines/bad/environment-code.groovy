pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    environment {
        A = 'a'
        echo 'no' // error: environment takes NAME = value only
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
