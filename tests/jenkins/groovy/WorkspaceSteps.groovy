import groovy.json.JsonSlurper
import java.nio.file.Files

/** The steps that read and write files of the workspace. */
class WorkspaceSteps {
    private final Job job

    WorkspaceSteps(Job job) {
        this.job = job
    }

    Object inFolder(String path, Closure body) {
        File folder = job.file(path)
        folder.mkdirs()
        job.folders << folder
        try {
            return body()
        } finally {
            job.folders.remove(job.folders.size() - 1)
        }
    }

    /** The source of the job, copied; says which commit it is. */
    Map checkout(Map given, Closure body) {
        if (job.given.source) {
            ['cp', '-a', "${job.given.source}/.", job.folder.path].execute().waitFor()
        }
        [GIT_COMMIT: job.given.commit]
    }

    void cleanWs(Map given, Closure body) {
        job.folders[0].listFiles().each { isFolder(it) ? it.deleteDir() : it.delete() }
    }

    void deleteDir(Map given, Closure body) { job.folder.deleteDir() }

    String pwd(Map given, Closure body) { job.folder.path }

    boolean fileExists(Map given, Closure body) { job.file(given.file.toString()).exists() }

    String readFile(Map given, Closure body) { existing(given.file.toString()).getText(given.encoding ?: 'UTF-8') }

    void writeFile(Map given, Closure body) {
        File file = job.file(given.file.toString())
        file.parentFile.mkdirs()
        file.setText(given.text.toString(), given.encoding ?: 'UTF-8')
    }

    Object readJSON(Map given, Closure body) {
        new JsonSlurper().parseText(given.text ?: existing(given.file.toString()).getText('UTF-8'))
    }

    void archiveArtifacts(Map given, Closure body) {
        job.console.line('Archiving artifacts')
        List<String> found = matching(given.artifacts)
        if (!found && !given.allowEmptyArchive) {
            String pattern = given.artifacts
            throw new StepFailed("No artifacts found that match the file pattern \"$pattern\". Configuration error?")
        }
        copy(found, job.folder, new File(job.given.archive))
        job.trace.archived = (job.trace.archived + found).unique().sort()
    }

    void junit(Map given, Closure body) {
        job.console.line('Recording test results')
        List<String> found = matching(given.testResults)
        if (!found && !given.allowEmptyResults) {
            throw new StepFailed('No test report files were found. Configuration error?')
        }
        List cases = found.collect { new XmlSlurper().parse(job.file(it)).depthFirst().toList() }.flatten()
            .findAll { it.name() == 'testcase' }
        int failed = cases.count { it.children().any { it.name() in ['failure', 'error'] } }
        Map before = job.trace.tests ?: [total: 0, failed: 0]
        job.trace.tests = [total: before.total + cases.size(), failed: before.failed + failed]
        if (failed) {
            job.worsen('UNSTABLE')
        }
    }

    /** A tool of recordIssues: the native format. */
    Map issues(Map given, Closure body) { given }

    /** Counts the issues; like Jenkins only of runs that have not failed, unless told otherwise. */
    void recordIssues(Map given, Closure body) {
        if (job.bad && !given.enabledForFailure) {
            return
        }
        List<String> found = given.tools.collect { matching(it.pattern) }.flatten()
        int count = found.sum(0) { new JsonSlurper().parse(job.file(it)).issues.size() }
        job.console.line("-> found $count issues")
        job.trace.issues = (job.trace.issues ?: 0) + count
    }

    /** Keeps the files of a folder whose page is there. */
    void publishHTML(Map given, Closure body) {
        Map target = given.target
        String page = "${target.reportDir}/${target.reportFiles}"
        if (!job.file(page).file) {
            if (!target.allowMissing) {
                throw new StepFailed("Specified HTML directory '${target.reportDir}' does not exist.")
            }
            return
        }
        job.console.line("[htmlpublisher] Archiving HTML reports... ${target.reportName}")
        job.trace.published = (job.trace.published + matching("${target.reportDir}/**")).unique().sort()
    }

    void stash(Map given, Closure body) {
        File kept = new File("${job.given.console}.stashes", given.name)
        copy(matching(given.includes ?: '**'), job.folder, kept)
        job.stashes[given.name] = kept
    }

    void unstash(Map given, Closure body) {
        File kept = job.stashes[given.name]
        if (!kept) {
            throw new StepFailed("No such saved stash ‘${given.name}’")
        }
        ['cp', '-a', "$kept/.", job.folder.path].execute().waitFor()
    }

    private File existing(String path) {
        File file = job.file(path)
        if (!file.file) {
            throw new StepFailed("java.nio.file.NoSuchFileException: $file")
        }
        file
    }

    private static boolean isFolder(File file) { file.directory && !Files.isSymbolicLink(file.toPath()) }

    private static void copy(List<String> names, File from, File to) {
        names.each {
            File target = new File(to, it)
            target.parentFile.mkdirs()
            target.bytes = new File(from, it).bytes
        }
    }

    /** Files of the folder that one of the patterns (Ant's: `*`, `?`, `**`, separated by commas) names, sorted. */
    private List<String> matching(Object patterns) {
        List<String> expressions = patterns.toString().tokenize(',')*.trim().findAll().collect { expression(it) }
        List<String> found = []
        walk(job.folder, '') { if (expressions.any { pattern -> it ==~ pattern }) { found << it } }
        found.sort()
    }

    private static void walk(File folder, String prefix, Closure visit) {
        folder.listFiles().each {
            if (it.file) {
                visit(prefix + it.name)
            } else if (isFolder(it)) {
                walk(it, "$prefix${it.name}/", visit)
            }
        }
    }

    private static String expression(String pattern) {
        String whole = pattern.endsWith('/') ? "$pattern**" : pattern
        whole.replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/) {
            ['**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]'][it] ?: java.util.regex.Pattern.quote(it)
        }
    }
}
