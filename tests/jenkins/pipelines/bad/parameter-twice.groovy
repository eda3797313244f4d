pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    parameters {
        string(name: 'A', description: 'a')
        string(name: 'A', description: 'a') // error: parameter A is declared twice
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
