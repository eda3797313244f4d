pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                echo 'hello'
            }
        }
    }
    post {
        allways { // error: unknown post condition allways in post, did you mean always?
            echo 'a'
        }
    }
}
