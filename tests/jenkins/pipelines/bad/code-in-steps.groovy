pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stage('Build') {
            steps {
                echo 'a'
                if (true) { // error: only steps may stand here; put other code into script
                    echo 'b'
                }
            }
        }
    }
}
