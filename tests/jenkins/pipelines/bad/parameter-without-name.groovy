pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    parameters {
        string(defaultValue: 'a', description: 'a') // error: a string parameter needs a name
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
