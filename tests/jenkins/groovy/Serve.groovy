// Answers requests, a JSON object a line on stdin, with a JSON object a line on stdout; one JVM serves many tests.
//
//     java -cp groovy-all-2.4.21.jar:FOLDER-OF-THIS-FILE groovy.ui.GroovyMain Serve.groovy
//
//     {"do": "check", "text": ..., "library": [...]}   -> {"problems": [{"severity", "line", "message"}]}
//     {"do": "check library", "text": ...}   -> the same, of a step of a shared library
//     {"do": "read", "text": ...}    -> {"stages", "parameters", "options", "shells"}
//     {"do": "run", "text": ..., "workspace": ..., ...}   -> {"result", "stages", ...} when it has ended
//     {"do": "cps", "file": NAME, "text": ..., ...}   -> {"result", "calls", "problems", ...}
//     {"do": "issues", "jars": FOLDER, "format": ..., "file": ...}   -> {"issues": [{"file", "line", ...}]}
//     {"do": "validate", "schema": XSD, "file": XML}   -> {"fault"}
//     {"do": "abort"}                -> nothing; the run at work ends sooner
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

PrintStream answers = System.out
System.out = System.err  // stdout is for answers
Job running = null

Closure answer = { Closure work ->
    Map value
    try {
        value = work()
    } catch (Throwable failure) {
        StringWriter trace = new StringWriter()
        failure.printStackTrace(new PrintWriter(trace))
        value = [bug: trace.toString()]
    }
    answers.println(JsonOutput.toJson(value))
    answers.flush()
}

System.in.withReader('UTF-8') { reader ->
    reader.eachLine { line ->
        Map request = new JsonSlurper().parseText(line)
        switch (request.do) {
            case 'check': answer { [problems: Checker.check(request.text, request.library ?: [])] }; break
            case 'check library': answer { [problems: Checker.checkLibrary(request.text)] }; break
            case 'read': answer { Facts.read(request.text) }; break
            case 'cps': answer { CpsProgram.run(request) }; break
            case 'issues': answer { [issues: Formats.issues(request.jars, request.format, request.file)] }; break
            case 'validate': answer { [fault: Formats.fault(request.schema, request.file)] }; break
            case 'run':
                running = new Job(request)
                Job job = running
                Thread.start { answer { Runner.run(job) } }
                break
            case 'abort': running?.abort(); break
        }
    }
}
running?.abort()
System.exit(0)
