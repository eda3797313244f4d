import com.cloudbees.groovy.cps.Block
import com.cloudbees.groovy.cps.impl.ConstantBlock
import com.cloudbees.groovy.cps.impl.YieldBlock
import groovy.transform.CompileStatic

/** Writes programs to bytes, and reads them. Their code, which cannot change, goes by number: it is most of a program. */
@CompileStatic
class CpsBytes {
    private final ClassLoader loader
    private final List<Block> code = []
    private final Map<Block, Integer> numbers = new IdentityHashMap<Block, Integer>()
    private final Map<String, Class> classes = [:]

    CpsBytes(ClassLoader loader) { this.loader = loader }

    /** Another `one`. Throws NotSerializableException, of which the message is a class. */
    Object copy(Object one) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream()
        new Output(bytes).writeObject(one)
        new Input(new ByteArrayInputStream(bytes.toByteArray())).readObject()
    }

    private CodeNumber numberOf(Block block) {
        if (!numbers.containsKey(block)) {
            code << block
            numbers[block] = code.size() - 1
        }
        new CodeNumber(value: numbers[block])
    }

    private Class classOf(String name) {
        if (!classes.containsKey(name)) {
            classes[name] = Class.forName(name, false, loader)
        }
        classes[name]
    }

    private static class CodeNumber implements Serializable {
        int value
    }

    private class Output extends ObjectOutputStream {
        Output(OutputStream bytes) {
            super(bytes)
            enableReplaceObject(true)
        }

        @Override
        protected Object replaceObject(Object one) {
            boolean isCode = one instanceof Block && !(one instanceof ConstantBlock || one instanceof YieldBlock)
            isCode ? CpsBytes.this.numberOf((Block) one) : one
        }
    }

    private class Input extends ObjectInputStream {
        Input(InputStream bytes) {
            super(bytes)
            enableResolveObject(true)
        }

        @Override
        protected Object resolveObject(Object one) {
            one instanceof CodeNumber ? CpsBytes.this.code[((CodeNumber) one).value] : one
        }

        /** Groovy's loaders are slow. */
        @Override
        protected Class resolveClass(ObjectStreamClass description) { CpsBytes.this.classOf(description.name) }
    }
}
