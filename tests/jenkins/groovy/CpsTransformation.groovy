import com.cloudbees.groovy.cps.CpsTransformer
import com.cloudbees.groovy.cps.sandbox.Untrusted
import org.codehaus.groovy.ast.ClassCodeVisitorSupport
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.MethodNode
import org.codehaus.groovy.ast.expr.CastExpression
import org.codehaus.groovy.ast.expr.ConstantExpression
import org.codehaus.groovy.ast.expr.DeclarationExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.ListExpression
import org.codehaus.groovy.ast.expr.MapExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.control.SourceUnit

/** groovy-cps' transformation of files that nobody trusts. What CpsCalls would not see of them is a problem. */
class CpsTransformation extends CpsTransformer {
    private final Set<String> problems
    private final Map<String, Set<Integer>> written

    CpsTransformation(Set<String> problems, Map<String, Set<Integer>> written) {
        this.problems = problems
        this.written = written
    }

    @Override
    protected Class getTrustTag() { Untrusted }

    @Override
    void call(SourceUnit source, GeneratorContext context, ClassNode type) {
        new Unseen(source, problems, written).visitClass(type)
        super.call(source, context, type)
    }

    private static class Unseen extends ClassCodeVisitorSupport {
        /** A cast to one of these runs no code of the file's choice. */
        private static final PLAIN = ['boolean', 'int', 'long', 'void', 'java.lang.Boolean', 'java.lang.CharSequence',
            'java.lang.Integer', 'java.lang.Object', 'java.lang.String', 'java.util.List', 'java.util.Map',
            'groovy.lang.Closure']
        private final Set<String> problems
        private final Set<Integer> written
        private final String file
        final SourceUnit sourceUnit

        Unseen(SourceUnit source, Set<String> problems, Map<String, Set<Integer>> allWritten) {
            sourceUnit = source
            file = source.name
            this.problems = problems
            written = allWritten.computeIfAbsent(file) { [] as Set }
        }

        @Override
        void visitMethod(MethodNode method) {
            if (method.name == 'main') {
                return // Groovy's
            }
            if (method.annotations.any { it.classNode.nameWithoutPackage == 'NonCPS' }) {
                problem(method, "the calls of ${method.name}, which is @NonCPS, are not looked at")
            }
            method.parameters.each {
                isPlain(it, it.type)
                if (it.initialExpression && !isConstant(it.initialExpression)) {
                    problem(method, "the calls in the default of ${it.name} are not looked at")
                }
            }
            isPlain(method, method.returnType)
            super.visitMethod(method)
        }

        @Override
        void visitMethodCallExpression(MethodCallExpression call) {
            written << call.lineNumber
            super.visitMethodCallExpression(call)
        }

        @Override
        void visitCastExpression(CastExpression cast) {
            isPlain(cast, cast.type)
            super.visitCastExpression(cast)
        }

        @Override
        void visitDeclarationExpression(DeclarationExpression declaration) {
            isPlain(declaration, declaration.leftExpression.type)
            super.visitDeclarationExpression(declaration)
        }

        private void isPlain(node, ClassNode type) {
            if (!(type.name in PLAIN)) {
                problem(node, "a cast to ${type.name} may call what is not looked at")
            }
        }

        private static boolean isConstant(Expression value) {
            value instanceof ConstantExpression || value instanceof MapExpression && !value.mapEntryExpressions ||
                value instanceof ListExpression && !value.expressions
        }

        private void problem(node, CharSequence sentence) {
            problems << "$file:${node.lineNumber}: $sentence".toString()
        }
    }
}
