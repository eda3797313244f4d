// The steps of this repository's Jenkinsfile as one step, for a team's own pipeline: docs/jenkins.md, "From a team's
// own repository". The repository is the shared library.
//
//     venvBuild(ENV_NAME: 'sales', REQUIREMENTS_FILE: 'requirements.txt', VENVBUILD_STORE: 's3://bucket/team')
//
// Takes the parameters of that Jenkinsfile by their names (AGENT_LABEL apart: the pipeline chooses its agent), any
// VENVBUILD_* setting, and `tool`: where the tool is on the agent, a folder, or what `checkout` takes to get it.
// What is not given is what the job's parameters and the agent's variables say. Values reach the shell as environment
// variables only, never as Groovy text. Returns the two lines that name and describe the run.
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
                withCredentials(storeCredentials()) {
                    sh '"$VENVBUILD_HOME/bin/upload"'
                }
            }
            stage('Register') {
                withCredentials(storeCredentials()) {
                    sh '"$VENVBUILD_HOME/bin/register"'
                }
            }
        } finally {
            archiveArtifacts(allowEmptyArchive: true, artifacts: 'venvbuild-work/build.log, ' +
                'venvbuild-work/requirements*.txt, venvbuild-work/installed_packages.*, venvbuild-work/pipdeptree.*, ' +
                'venvbuild-work/conflicts.*, venvbuild-work/metadata.json, venvbuild-work/upload/frozen/metadata.json')
            lines = showSummary()
            if (fileExists('venvbuild-work/venvbuild-work.json')) { // not when the tool did not come to begin
                showReports()
            }
        }
    }
    return lines
}

// Run `body` with what was given as variables.
void inSettings(Map given, Closure body) {
    def names = ['ENV_NAME', 'PYTHON_VERSION', 'FAIL_ON_CONFLICTS', 'REQUIREMENTS_FILE', 'AWS_CREDENTIALS_ID',
        'NOTIFY_CREDENTIALS_ID', 'tool']
    def unknown = given.keySet().findAll { !(it in names || it.startsWith('VENVBUILD_')) }
    if (unknown) {
        error("venvBuild does not know ${unknown.join(', ')}; it takes ${names.join(', ')} and VENVBUILD_*")
    }
    def settings = given.findAll { it.key != 'tool' && it.value != null }.collect { "${it.key}=${it.value}" }
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
    if (!env.AWS_CREDENTIALS_ID) {
        return []
    }
    return [[$class: 'AmazonWebServicesCredentialsBinding', credentialsId: env.AWS_CREDENTIALS_ID]]
}

// Tells those who are to be told; whatever goes wrong with that is no reason for another result of the run.
void tell(String event, Map given = [:]) {
    def isFolder = given.tool == null || given.tool instanceof CharSequence
    inSettings(isFolder ? given : given + [tool: 'venvbuild-tool']) { // checked out by then
        tellOf(event)
    }
}

void tellOf(String event) {
    def secret = env.NOTIFY_CREDENTIALS_ID
    if (!fileExists("${env.VENVBUILD_HOME}/bin/notify") || !(secret || env.VENVBUILD_NOTIFY_URLS)) {
        return
    }
    try {
        def addresses = secret ? [string(credentialsId: secret, variable: 'VENVBUILD_NOTIFY_URLS')] : []
        withEnv(["NOTIFY_EVENT=$event"]) {
            withCredentials(storeCredentials() + addresses) { // of the store, for what changed since the last good build
                def code = sh(script: '"$VENVBUILD_HOME/bin/notify" "$NOTIFY_EVENT"', returnStatus: true)
                if (code != 0) {
                    echo "Nobody was notified: exit code $code."
                }
            }
        }
    } catch (Exception problem) { // no such credentials
        echo "Nobody was notified: ${problem.message}"
    }
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
    archiveArtifacts(artifacts: 'venvbuild-work/report/*')
    ifInstalled('junit') {
        junit(allowEmptyResults: true, testResults: 'venvbuild-work/report/junit.xml')
    }
    ifInstalled('warnings-ng') {
        recordIssues(enabledForFailure: true, tools: [issues(pattern: 'venvbuild-work/report/issues.json')])
    }
    ifInstalled('htmlpublisher') {
        publishHTML(target: [reportName: 'Environment', reportDir: 'venvbuild-work/report', reportFiles: 'index.html',
            keepAll: true, alwaysLinkToLastBuild: true, allowMissing: true])
    }
}

// A step of a plugin that is not installed is a missing method.
void ifInstalled(String plugin, Closure publish) {
    try {
        publish()
    } catch (NoSuchMethodError missing) {
        echo "The plugin $plugin is not installed; the report is among the artifacts."
    }
}
