// Prints, as JSON, what Jenkinsfiles say: file -> {errors, pipelines, stages, parameters, options, shells}.
//
//     java -cp groovy-all-2.4.21.jar groovy.ui.GroovyMain check.groovy FILE...
//
// They are parsed as Jenkins does it (the same Groovy, up to the conversion phase) and never run.
import groovy.json.JsonOutput
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.CodeVisitorSupport
import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.ConstantExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.GStringExpression
import org.codehaus.groovy.ast.expr.ListExpression
import org.codehaus.groovy.ast.expr.MapExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.expr.TupleExpression
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.MultipleCompilationErrorsException

class Reader extends CodeVisitorSupport {
    static final SHELLS = ['sh', 'bat', 'powershell', 'pwsh']
    static final PARAMETERS = 'parameters'

    final String[] source
    final Map found = [errors: [], pipelines: 0, stages: [], parameters: [], options: [], shells: []]
    /** Names of the calls whose blocks we are in, the outermost first. */
    private final List<String> inside = []
    private String stage

    Reader(String text) {
        source = text.split('\n', -1)
    }

    @Override
    void visitMethodCallExpression(MethodCallExpression call) {
        String name = call.methodAsString
        if (name == 'pipeline' && inside.empty) {
            found.pipelines++
        } else if (name == 'stage' && block(call)) {
            stage = value(positional(call)[0])
            found.stages << stage
        } else if (inside && inside.last() == PARAMETERS) {
            found.parameters << parameter(name, call)
        } else if (inside && inside.last() == 'options') {
            found.options << name
        } else if (name in SHELLS) {
            found.shells << shell(name, call)
        }
        inside << name
        super.visitMethodCallExpression(call)
        inside.remove(inside.size() - 1)
    }

    private Map shell(String name, MethodCallExpression call) {
        Expression script = named(call).script ?: positional(call)[0]
        [line: call.lineNumber, step: name, kind: kind(script), quote: firstCharacter(script), text: value(script),
         stage: stage, inside: inside.collect()]
    }

    private static String kind(Expression script) {
        switch (script) {
            case ConstantExpression: return 'constant'
            case GStringExpression: return 'gstring'
            case BinaryExpression: return 'sum'
            default: return 'other'
        }
    }

    private String firstCharacter(Expression expression) {
        expression ? source[expression.lineNumber - 1].substring(expression.columnNumber - 1)[0] : null
    }

    private static Map parameter(String kind, MethodCallExpression call) {
        Map<String, Expression> arguments = named(call)
        Object choices = value(arguments.choices)
        [kind: kind, name: value(arguments.name), default: choices ? choices[0] : value(arguments.defaultValue),
         choices: choices, trim: value(arguments.trim), description: value(arguments.description)]
    }

    private static boolean block(MethodCallExpression call) {
        positional(call).any { it instanceof ClosureExpression }
    }

    private static List<Expression> positional(MethodCallExpression call) {
        call.arguments instanceof TupleExpression ? call.arguments.expressions.findAll { !(it instanceof MapExpression) } : []
    }

    private static Map<String, Expression> named(MethodCallExpression call) {
        List<Expression> all = call.arguments instanceof TupleExpression ? call.arguments.expressions : []
        all.findAll { it instanceof MapExpression }*.mapEntryExpressions.flatten()
            .collectEntries { [(value(it.keyExpression)): it.valueExpression] }
    }

    private static Object value(Expression expression) {
        switch (expression) {
            case null: return null
            case ConstantExpression: return expression.value
            case ListExpression: return expression.expressions.collect { value(it) }
            default: return expression.text
        }
    }
}

Map read(File file) {
    Reader reader = new Reader(file.getText('UTF-8'))
    try {
        def nodes = new AstBuilder().buildFromString(CompilePhase.CONVERSION, false, file.getText('UTF-8'))
        nodes[0].visit(reader)
        nodes.findAll { it instanceof ClassNode }*.methods.flatten().findAll { !(it.name in ['main', 'run']) }.each {
            it.code?.visit(reader)
        }
    } catch (MultipleCompilationErrorsException failure) {
        reader.found.errors = failure.errorCollector.errors.collect { [line: it.cause.line, message: it.cause.message] }
    }
    reader.found
}

println JsonOutput.toJson(args.collectEntries { [(it): read(new File(it))] })
