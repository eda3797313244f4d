import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

// The steps of this repository's Jenkinsfile as one step, for a team's own pipeline: docs/jenkins.md, "From a team's
// own repository". The repository is the shared library.
//
//     venvBuild(ENV_NAME: 'sales', REQUIREMENTS_FILE: 'requirements.txt', STORE: 's3://bucket/team')
//
// Takes the parameters of that Jenkinsfile by their names (AGENT_LABEL apart: the pipeline chooses its agent), any
// VENVBUILD_* setting, and `tool`: where the tool is on the agent, a folder, or what `checkout` takes to get it.
// What is not given is what the job's parameters and the agent's variables say. Values reach the shell as environment
// variables only, never as Groovy text; an empty one reaches it not at all, so it is refused where it is needed.
// Returns the two lines that name and describe the run.
//
// In `post`, with the same settings: venvBuild.tell('failure', [...]), and 'fixed'.
// examples/jenkins/Jenkinsfile has both.
def call(Map given = [:]) {
    def lines = []
    inSettings(given) {
        dir('venvbuild-work') { // an earlier run's reports are not this one's
            deleteDir()
        }
        try {
            stage('Check') {
                sh '"$VENVBUILD_HOME/bin/check" -r "${REQUIREMENTS_FILE-requirements.txt}"'
            }
            stage('Create') {
                sh '"$VENVBUILD_HOME/bin/create"'
            }
            stage('Inspect') {
                sh '"$VENVBUILD_HOME/bin/inspect"'
                if (fileExists('venvbuild-work/conflicts.txt')) {
                    unstable('The dependencies conflict: see conflicts.txt.')
                }
            }
            stage('Pack') {
                sh '"$VENVBUILD_HOME/bin/pack"'
            }
            stage('Describe') {
                sh '"$VENVBUILD_HOME/bin/describe"'
            }
            stage('Upload') {
                withEnv(secretNames()) {
                    withCredentials(storeCredentials()) {
                        sh '"$VENVBUILD_HOME/bin/upload"'
                    }
                }
            }
            stage('Register') {
                withEnv(secretNames()) {
                    withCredentials(storeCredentials()) {
                        sh '"$VENVBUILD_HOME/bin/register"'
                    }
                }
            }
            if (env.PROMOTE_ALIAS && currentBuild.currentResult == 'SUCCESS') {
                stage('Promote') {
                    withEnv(secretNames()) {
                        withCredentials(storeCredentials()) {
                            sh '"$VENVBUILD_HOME/bin/promote" "$PROMOTE_ALIAS"'
                        }
                    }
                }
            }
        } finally {
            quietly { lines = showRun() }
        }
    }
    return lines
}

// Run `body` with what was given as variables.
void inSettings(Map given, Closure body) {
    def names = ['ENV_NAME', 'PYTHON_VERSION', 'FAIL_ON_CONFLICTS', 'REQUIREMENTS_FILE', 'STORE', 'AWS_CREDENTIALS_ID',
        'NOTIFY_CREDENTIALS_ID', 'PROMOTE_ALIAS', 'MIN_AGE_DAYS', 'tool']
    def settings = []
    for (name in given.keySet().toList()) {
        if (!(name in names || name.startsWith('VENVBUILD_') && !(name in ['VENVBUILD_HOME', 'VENVBUILD_WORK_DIR']))) {
            error("venvBuild does not know $name; it takes ${names.join(', ')} and VENVBUILD_*")
        }
        if (name != 'tool' && given[name] != null) {
            settings += "$name=${given[name]}"
        }
    }
    for (name in ['ENV_NAME', 'PYTHON_VERSION', 'FAIL_ON_CONFLICTS', 'REQUIREMENTS_FILE']) {
        def value = given[name] == null ? params[name] : given[name]
        if (value?.toString() == '') {
            error("$name is empty, and Jenkins hands on no empty one: the run would not build what is asked for")
        }
    }
    for (name in ['STORE', 'AWS_CREDENTIALS_ID', 'NOTIFY_CREDENTIALS_ID', 'MIN_AGE_DAYS']) {
        def value = given[name]?.toString() ?: params[name] // a number 0 says something, too
        if (value) {
            settings += "VENVBUILD_$name=$value"
        }
    }
    withEnv(settings + ["VENVBUILD_HOME=${toolOf(given.tool)}", 'VENVBUILD_WORK_DIR=venvbuild-work']) {
        body()
    }
}

// The folder of the tool: as given, checked out, or where the agent says.
def toolOf(tool) {
    if (tool == null) {
        return env.VENVBUILD_HOME ?: '/opt/venvbuild'
    }
    if (tool instanceof CharSequence) {
        return tool.startsWith('/') ? tool : "${pwd()}/${tool}"
    }
    dir('venvbuild-tool') {
        checkout(tool)
        return pwd()
    }
}

// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the body; nothing when the agent has a role of its own.
List storeCredentials() {
    if (!env.VENVBUILD_AWS_CREDENTIALS_ID) {
        return []
    }
    return [[$class: 'AmazonWebServicesCredentialsBinding', credentialsId: env.VENVBUILD_AWS_CREDENTIALS_ID]]
}

// By this the tool knows which variables hold secrets, whatever they are called; with those that were listed before.
List secretNames() {
    def bound = 'AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN VENVBUILD_NOTIFY_URLS'
    return ["VENVBUILD_SECRET_NAMES=$bound ${env.VENVBUILD_SECRET_NAMES ?: ''}"]
}

// Tells those who are to be told; whatever goes wrong with that is no reason for another result of the run. Needs a node.
void tell(String event, Map given = [:]) {
    quietly {
        try {
            def isFolder = given.tool == null || given.tool instanceof CharSequence
            inSettings(isFolder ? given : given + [tool: 'venvbuild-tool']) { // checked out by then
                withEnv(["NOTIFY_EVENT=$event"]) {
                    send()
                }
            }
        } catch (FlowInterruptedException interruption) {
            throw interruption
        } catch (Exception problem) { // no such credentials, no such agent any more
            echo "Nobody was notified: ${problem.message}"
        }
    }
}

void send() {
    def secret = env.VENVBUILD_NOTIFY_CREDENTIALS_ID
    if (!fileExists("${env.VENVBUILD_HOME}/bin/notify") || !(secret || env.VENVBUILD_NOTIFY_URLS)) {
        return
    }
    withEnv(secretNames()) {
        withCredentials(secret ? [string(credentialsId: secret, variable: 'VENVBUILD_NOTIFY_URLS')] : []) {
            def code = 0
            try {
                withCredentials(storeCredentials()) { // for what changed since the last good build
                    code = sh(script: '"$VENVBUILD_HOME/bin/notify" "$NOTIFY_EVENT"', returnStatus: true)
                }
            } catch (FlowInterruptedException interruption) {
                throw interruption
            } catch (Exception problem) { // those credentials may be what the run failed of
                code = sh(script: '"$VENVBUILD_HOME/bin/notify" "$NOTIFY_EVENT"', returnStatus: true)
            }
            if (code != 0) {
                echo "Nobody was notified: exit code $code."
            }
        }
    }
}

// What shows a run and does not make it: its failure, whatever it is, changes no result. An abort goes on.
void quietly(Closure show) {
    catchError(buildResult: 'SUCCESS', stageResult: 'SUCCESS', catchInterruptions: false) {
        show()
    }
}

// The reports; the archive goes to the store only. What upload adds to metadata.json is in upload/frozen.
List showRun() {
    def lines = []
    quietly {
        archiveArtifacts(allowEmptyArchive: true, artifacts: 'venvbuild-work/build.log, ' +
            'venvbuild-work/requirements*.txt, venvbuild-work/pylock*.toml, venvbuild-work/installed_packages.*, ' +
            'venvbuild-work/packages.json, venvbuild-work/pipdeptree.*, ' +
            'venvbuild-work/conflicts.*, venvbuild-work/metadata.json, venvbuild-work/upload/frozen/metadata.json')
    }
    quietly { lines = showSummary() }
    if (fileExists('venvbuild-work/venvbuild-work.json')) { // not when the tool did not come to begin
        quietly { showReports() }
    }
    return lines
}

// The name and the description of the run in Jenkins' list. Two lines, safe as HTML, whatever the run became.
List showSummary() {
    def lines = sh(script: '"$VENVBUILD_HOME/bin/summary"', returnStdout: true).split('\n').toList()
    currentBuild.displayName = "#${env.BUILD_NUMBER} ${lines[0]}"
    currentBuild.description = lines[1]
    return lines
}

// The report, archived, and shown on the pages of those plugins that are installed.
void showReports() {
    sh '"$VENVBUILD_HOME/bin/report"'
    quietly { archiveArtifacts(artifacts: 'venvbuild-work/report/*') }
    publish('junit') {
        junit(allowEmptyResults: true, testResults: 'venvbuild-work/report/junit.xml')
    }
    publish('warnings-ng') {
        recordIssues(enabledForFailure: true, tools: [issues(pattern: 'venvbuild-work/report/issues.json')])
    }
    publish('htmlpublisher') {
        publishHTML(target: [reportName: 'Environment', reportDir: 'venvbuild-work/report', reportFiles: 'index.html',
            keepAll: true, alwaysLinkToLastBuild: true, allowMissing: true])
    }
}

// A step of a plugin that is not installed is a missing method.
void publish(String plugin, Closure show) {
    quietly {
        try {
            show()
        } catch (NoSuchMethodError missing) {
            echo "The plugin $plugin is not installed; the report is among the artifacts."
        }
    }
}
