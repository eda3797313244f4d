pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    parameters {
        string(name: 'NAME', defaultValue: 'x', trim: true, description: 'a name')
        choice(name: 'KIND', choices: ['a', 'b'], description: 'a kind')
        booleanParam(name: 'DRY', defaultValue: false, description: 'only look')
    }
    environment {
        PLACE = "${params.NAME}-here"
        KEY = credentials('key')
    }
    stages {
        stage('Build') {
            steps {
                sh 'bin/build "$NAME"'
                withCredentials([string(credentialsId: 'token', variable: 'TOKEN')]) {
                    sh '''#!/bin/bash
                        set -o pipefail
                        bin/publish | tail -1
                    '''
                }
            }
        }
    }
    post {
        always {
            archiveArtifacts artifacts: 'out/*'
        }
        fixed {
            echo 'well again'
        }
        cleanup {
            cleanWs()
        }
    }
}
