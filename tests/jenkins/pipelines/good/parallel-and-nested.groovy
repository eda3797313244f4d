pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Test') {
            when {
                anyOf {
                    environment name: 'A', value: 'a'
                    expression { params.NAME == 'x' }
                }
            }
            parallel {
                stage('Left') {
                    steps {
                        echo 'left'
                    }
                }
                stage('Right') {
                    agent none
                    stages {
                        stage('Inner') {
                            steps {
                                retry(2) {
                                    sh 'true'
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
