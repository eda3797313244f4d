pipeline {
    agent any
    options {
        buildDiscarder(logRotator(numToKeepStr: '5'))
        timeout(time: 1, unit: 'HOURS')
    }
    stages {
        stagee('Build') { // error: stagee is no stage, did you mean stage?
            steps {
                echo 'a'
            }
        }
    }
}
