pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    parameters {
        string(name: 'A') // warning: parameter A has no description
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
