@Library('ours@1.2') _

def names = ['a', 'b']

pipeline {
    agent {
        docker {
            image 'python:3.11'
            args '-v /cache:/cache'
        }
    }
    libraries {
        lib('other@main')
    }
    tools {
        maven 'maven-3'
    }
    triggers {
        cron('H 4 * * *')
        pollSCM 'H/5 * * * *'
    }
    options {
        buildDiscarder logRotator(artifactNumToKeepStr: '5')
        timeout time: 1, unit: 'HOURS'
        retry(2)
        skipStagesAfterUnstable()
    }
    environment {
        PLAIN = 'a'
        SUMMED = 'a' + 'b'
        COMPUTED = "${names.size()}"
        KEY = credentials('key')
    }
    parameters {
        text name: 'NOTES', defaultValue: '', description: 'notes'
        password(name: 'SECRET', defaultValue: '', description: 'a secret')
    }
    stages {
        stage('Ask') {
            agent none
            options {
                timeout(time: 5, unit: 'MINUTES')
            }
            input {
                message 'Go on?'
                ok 'Yes'
            }
            steps {
                echo "so be it, ${env.BUILD_NUMBER}"
            }
        }
        stage('Matrix') {
            matrix {
                axes {
                    axis {
                        name 'PYTHON'
                        values '3.11', '3.12'
                    }
                }
                stages {
                    stage('One') {
                        steps {
                            sh 'bin/one "$PYTHON"'
                        }
                    }
                }
            }
        }
        stage('Branches') {
            failFast true
            when {
                beforeAgent true
                not {
                    branch 'main'
                }
                allOf {
                    environment name: 'PLAIN', value: 'a'
                    expression {
                        return params.NOTES != ''
                    }
                }
                equals expected: 1, actual: 1
            }
            parallel {
                stage('Left') {
                    agent {
                        dockerfile true
                    }
                    tools {
                        jdk 'jdk-17'
                    }
                    steps {
                        timeout(time: 1, unit: 'MINUTES') {
                            retry(3) {
                                sh label: 'left', script: 'bin/left'
                            }
                        }
                    }
                    post {
                        unsuccessful {
                            echo 'left'
                        }
                    }
                }
                stage('Right') {
                    agent {
                        node {
                            label 'right'
                            customWorkspace 'right/workspace'
                        }
                    }
                    steps {
                        script {
                            names.each { name -> withEnv(["NAME=${name}"]) { sh 'bin/right "$NAME"' } }
                            def out = sh(script: '''
                                bin/list
                            ''', returnStdout: true)
                            echo out
                        }
                        checkout scm
                        build job: 'next', wait: false
                    }
                }
            }
        }
    }
    post {
        fixed {
            mail to: 'team@example.com', subject: "well again: ${currentBuild.fullDisplayName}", body: 'b'
        }
    }
}
