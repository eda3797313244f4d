pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                ecko 'a' // warning: unknown step ecko, did you mean echo?
            }
        }
    }
}
