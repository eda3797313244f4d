/** The names that a declarative pipeline may use, and the nearest of them to a wrong one. */
class Words {
    static final PIPELINE = [
        'agent', 'stages', 'post', 'environment', 'tools', 'options', 'parameters', 'triggers', 'libraries'
    ]
    static final STAGE = [
        'agent', 'steps', 'stages', 'parallel', 'matrix', 'post', 'environment', 'tools', 'options', 'input', 'when',
        'failFast'
    ]
    /** In the order in which Jenkins runs them, whatever the order in the file. */
    static final POST = [
        'always', 'changed', 'fixed', 'regression', 'aborted', 'success', 'unsuccessful', 'unstable', 'failure',
        'notBuilt', 'cleanup'
    ]
    static final OPTIONS = [
        'buildDiscarder', 'disableConcurrentBuilds', 'disableResume', 'disableRestartFromStage', 'timeout',
        'timestamps', 'retry', 'skipDefaultCheckout', 'skipStagesAfterUnstable', 'checkoutToSubdirectory',
        'newContainerPerStage', 'overrideIndexTriggers', 'parallelsAlwaysFailFast', 'preserveStashes', 'quietPeriod',
        'durabilityHint', 'rateLimitBuilds', 'ansiColor', 'withAWS', 'withCredentials', 'lock',
        'copyArtifactPermission'
    ]
    static final PARAMETERS = [
        'string', 'text', 'booleanParam', 'choice', 'password', 'file', 'credentials', 'run'
    ]
    static final WHEN = [
        'branch', 'buildingTag', 'changelog', 'changeset', 'changeRequest', 'environment', 'equals', 'expression',
        'tag', 'triggeredBy', 'not', 'allOf', 'anyOf', 'beforeAgent', 'beforeInput', 'beforeOptions', 'isRestartedRun'
    ]
    static final AGENTS = [
        'any', 'none', 'label', 'node', 'docker', 'dockerfile', 'kubernetes'
    ]
    /** Steps with a block of steps inside. */
    static final BLOCKS = [
        'withEnv', 'withCredentials', 'withAWS', 'dir', 'timeout', 'retry', 'catchError', 'warnError', 'timestamps',
        'ansiColor', 'lock', 'wrap', 'sshagent', 'container', 'node', 'ws', 'waitUntil', 'withFolderProperties'
    ]
    static final STEPS = Syntax.SHELLS + BLOCKS + [
        'script', 'echo', 'error', 'unstable', 'sleep', 'stash', 'unstash', 'archiveArtifacts', 'junit', 'readJSON',
        'readFile', 'writeFile', 'fileExists', 'pwd', 'deleteDir', 'cleanWs', 'checkout', 'git', 'isUnix', 'build',
        'input', 'milestone', 'mail', 'emailext', 'slackSend', 'recordIssues', 'publishHTML', 'fingerprint', 'tool',
        'step', 'copyArtifacts', 'library', 'load', 'properties', 'string', 'usernamePassword', 'file', 'aws', 'issues'
    ]
    private static final FARTHEST = 3

    /** `, did you mean X?`, or nothing when no name is near. */
    static String meant(String wrong, Collection<String> names) {
        String nearest = names.min { distance(wrong, it) }
        nearest && distance(wrong, nearest) <= FARTHEST ? ", did you mean $nearest?" : ''
    }

    /** Letters to add, remove or change (Levenshtein). */
    private static int distance(String left, String right) {
        List<Integer> row = (0..right.size()).toList()
        left.eachWithIndex { letter, i ->
            int diagonal = row[0]
            row[0] = i + 1
            (1..right.size()).each { j ->
                int above = row[j]
                row[j] = [above + 1, row[j - 1] + 1, diagonal + (letter == right[j - 1] ? 0 : 1)].min()
                diagonal = above
            }
        }
        row.last()
    }
}
