pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    parameters {
        strin(name: 'A', description: 'a') // error: unknown parameter strin in parameters, did you mean string?
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
}
