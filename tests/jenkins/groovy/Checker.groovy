import org.codehaus.groovy.ast.ASTNode
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.ListExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.expr.VariableExpression
import org.codehaus.groovy.ast.stmt.Statement
import org.codehaus.groovy.control.MultipleCompilationErrorsException
import org.codehaus.groovy.syntax.Types

/** The rules of a declarative pipeline, as far as README.md says. What it accepts, Jenkins may still refuse. */
class Checker {
    private final List<Map> problems = []
    private final Set<String> stageNames = []
    private List<String> functions = []

    /** `[severity: 'error' | 'warning', line, message]`, by line; `library` has the names of a shared library's steps. */
    static List<Map> check(String text, List<String> library = []) {
        judge(text) { Checker checker, List<ASTNode> nodes ->
            checker.functions = Syntax.functions(nodes) + library
            checker.file(nodes[0].statements)
        }
    }

    /** The same of a step of a shared library: what it says to the shell. */
    static List<Map> checkLibrary(String text) {
        judge(text) { Checker checker, List<ASTNode> nodes ->
            if (!('call' in Syntax.functions(nodes))) {
                checker.error(1, 'a step of a library has a function `call`')
            }
        }
    }

    private static List<Map> judge(String text, Closure rules) {
        Checker checker = new Checker()
        try {
            List<ASTNode> nodes = Syntax.nodes(text)
            rules(checker, nodes)
            Syntax.bodies(nodes)*.visit(new Shells(checker.problems))
        } catch (MultipleCompilationErrorsException failure) {
            failure.errorCollector.errors.each { checker.error(it.cause.line, it.cause.message) }
        }
        checker.problems.sort { it.line }
    }

    private void file(List<Statement> statements) {
        List<MethodCallExpression> pipelines = statements.collect { Syntax.directive(it) }
            .findAll { it?.methodAsString == 'pipeline' && Syntax.block(it) }
        if (pipelines.size() != 1) {
            error(pipelines ? pipelines[1].lineNumber : 1, "there must be one pipeline block, not ${pipelines.size()}")
            return
        }
        MethodCallExpression pipeline = pipelines[0]
        Map<String, MethodCallExpression> found = directives(pipeline, Words.PIPELINE)
        ['agent', 'stages'].findAll { !found[it] }.each { error(pipeline.lineNumber, "the pipeline has no $it") }
        common(found)
        if (found.stages) {
            stages(found.stages)
        }
        if (found.parameters) {
            parameters(found.parameters)
        }
        Set<String> options = found.options ? directives(found.options, Words.OPTIONS, 'option').keySet() : []
        ['timeout', 'buildDiscarder'].findAll { !(it in options) }.each {
            warning(pipeline.lineNumber, "no $it in options")
        }
    }

    private void stages(MethodCallExpression call) {
        calls(call).each {
            if (it.methodAsString != 'stage') {
                error(it.lineNumber, "${it.methodAsString} is no stage${Words.meant(it.methodAsString, ['stage'])}")
            } else if (!Syntax.block(it)) {
                error(it.lineNumber, 'a stage needs a name and a block')
            } else {
                stage(it)
            }
        }
    }

    private void stage(MethodCallExpression call) {
        String name = Syntax.value(Syntax.positional(call)[0])
        if (!name) {
            error(call.lineNumber, 'a stage needs a name')
        } else if (!stageNames.add(name)) {
            error(call.lineNumber, "there are two stages named $name")
        }
        Map<String, MethodCallExpression> found = directives(call, Words.STAGE)
        List<String> work = found.keySet().intersect(['steps', 'stages', 'parallel', 'matrix']).toList()
        if (work.size() != 1) {
            String has = work ?: 'none'
            error(call.lineNumber, "stage $name needs exactly one of steps, stages, parallel, matrix; it has $has")
        }
        common(found)
        if (found.options) {
            directives(found.options, Words.OPTIONS, 'option')
        }
        if (found.when) {
            directives(found.when, Words.WHEN, 'condition', false)
        }
        if (found.steps) {
            steps(found.steps)
        }
        [found.stages, found.parallel].findAll().each { stages(it) }
    }

    /** What pipelines and stages share. */
    private void common(Map<String, MethodCallExpression> found) {
        if (found.agent) {
            agent(found.agent)
        }
        if (found.environment) {
            environment(found.environment)
        }
        if (found.post) {
            directives(found.post, Words.POST, 'post condition').values().each { steps(it) }
        }
    }

    private void agent(MethodCallExpression call) {
        if (Syntax.block(call)) {
            directives(call, Words.AGENTS, 'agent')
            return
        }
        String kind = Syntax.positional(call) ? Syntax.value(Syntax.positional(call)[0]) : ''
        if (!(kind in ['any', 'none'])) {
            error(call.lineNumber, "agent needs any, none or a block, not '$kind'${Words.meant(kind, ['any', 'none'])}")
        }
    }

    private void environment(MethodCallExpression call) {
        Set<String> names = []
        block(call).each { Statement statement ->
            def expression = statement.hasProperty('expression') ? statement.expression : null
            boolean assigns = expression instanceof BinaryExpression && expression.operation.type == Types.ASSIGN &&
                expression.leftExpression.getClass() == VariableExpression
            if (!assigns) {
                error(statement.lineNumber, 'environment takes NAME = value only')
            } else if (!names.add(expression.leftExpression.name)) {
                error(statement.lineNumber, "${expression.leftExpression.name} is set twice")
            }
        }
    }

    private void parameters(MethodCallExpression call) {
        directives(call, Words.PARAMETERS, 'parameter', false)
        Set<String> names = []
        calls(call).each {
            Map arguments = Syntax.named(it)
            String name = Syntax.value(arguments.name)
            if (!name) {
                error(it.lineNumber, "a ${it.methodAsString} parameter needs a name")
            } else if (!names.add(name)) {
                error(it.lineNumber, "parameter $name is declared twice")
            }
            boolean hasChoices = arguments.choices instanceof ListExpression && arguments.choices.expressions
            if (it.methodAsString == 'choice' && !hasChoices) {
                error(it.lineNumber, "parameter $name needs choices: a list")
            }
            if (!arguments.description) {
                warning(it.lineNumber, "parameter $name has no description")
            }
        }
    }

    private void steps(MethodCallExpression call) {
        block(call).each { Statement statement ->
            MethodCallExpression step = Syntax.directive(statement)
            String name = step?.methodAsString
            if (!step) {
                error(statement.lineNumber, 'only steps may stand here; put other code into script { }')
            } else if (name in Words.BLOCKS && Syntax.block(step)) {
                steps(step)
            } else if (!(name in Words.STEPS) && !(name in functions)) {
                warning(step.lineNumber, "unknown step $name${Words.meant(name, Words.STEPS + functions)}")
            }
        }
    }

    /** The directives of a block by name; anything else in it is an error. */
    private Map<String, MethodCallExpression> directives(
        MethodCallExpression call, List<String> names, String what = 'directive', boolean once = true
    ) {
        Map<String, MethodCallExpression> found = [:]
        calls(call).each {
            String name = it.methodAsString
            if (!(name in names)) {
                error(it.lineNumber, "unknown $what $name in ${call.methodAsString}${Words.meant(name, names)}")
            } else if (once && found[name]) {
                error(it.lineNumber, "$name stands twice in ${call.methodAsString}")
            }
            found[name] = found[name] ?: it
        }
        found
    }

    private List<MethodCallExpression> calls(MethodCallExpression call) {
        block(call).collect { Statement statement ->
            MethodCallExpression found = Syntax.directive(statement)
            if (!found) {
                String place = call.methodAsString
                error(statement.lineNumber, "this is no directive of $place; each one stands on a line of its own")
            }
            found
        }.findAll()
    }

    private List<Statement> block(MethodCallExpression call) {
        ClosureExpression closure = Syntax.block(call)
        if (!closure || !Syntax.statements(closure)) {
            error(call.lineNumber, "${call.methodAsString} is empty")
            return []
        }
        Syntax.statements(closure)
    }

    private void error(int line, String message) {
        problems << [severity: 'error', line: line, message: message.toString()]
    }

    private void warning(int line, String message) {
        problems << [severity: 'warning', line: line, message: message.toString()]
    }
}
