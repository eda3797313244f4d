pipeline {
    agent anny // error: agent needs any, none or a block, not 'anny', did you mean any?
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
}
