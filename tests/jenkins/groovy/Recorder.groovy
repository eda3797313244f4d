/** What the block of a directive says: its calls in order, none of them obeyed yet. */
class Recorder {
    private final Script script
    /** `[name, arguments, body]` each. */
    final List<Map> calls = []

    private Recorder(Script script) {
        this.script = script
    }

    static List<Map> read(Script script, Closure body) {
        Recorder recorder = new Recorder(script)
        Closure ours = body.rehydrate(recorder, script, script)
        ours.resolveStrategy = Closure.DELEGATE_ONLY
        ours()
        recorder.calls
    }

    Object methodMissing(String name, Object given) {
        List<Object> arguments = (given as Object[]).toList()
        if (script.metaClass.respondsTo(script, name, given as Object[])) {
            return script.invokeMethod(name, given)
        }
        Closure body = arguments && arguments.last() instanceof Closure ? arguments.remove(arguments.size() - 1) : null
        calls << [name: name, arguments: arguments, body: body]
        null
    }

    Object propertyMissing(String name) {
        name in ['any', 'none'] ? name : script.getProperty(name)
    }
}
