#!groovy
import java.util.regex.Pattern

pipeline {
    agent {
        label params.LABEL ?: ''
    }
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                script {
                    int code = sh(script: 'false', returnStatus: true)
                    if (code) {
                        unstable(reason(code))
                    }
                }
                announce('done')
            }
        }
    }
}

String reason(int code) {
    return "ended with ${code}"
}

void announce(String text) {
    echo text
}
