pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    parameters {
        choice(name: 'A', description: 'a') // error: parameter A needs choices: a list
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
