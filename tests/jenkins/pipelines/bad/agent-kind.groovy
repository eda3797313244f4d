pipeline {
    agent {
        lable 'linux' // error: unknown agent lable in agent, did you mean label?
    }
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
