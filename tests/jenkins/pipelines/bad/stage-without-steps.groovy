pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') { // error: stage Build needs exactly one of steps, stages, parallel, matrix; it has none
            environment {
                A = 'a'
            }
        }
    }
}
