/** The directives of a pipeline or stage, read from its block. */
class Directives {
    final Script script
    private final List<Map> calls

    Directives(Script script, Closure body) {
        this.script = script
        calls = read(script, body)
    }

    static List<Map> read(Script script, Closure body) { Recorder.read(script, body) }

    Map one(String name) { calls.find { it.name == name } }

    /** The calls in the block of directive `name`; none when there is no such directive. */
    List<Map> block(String name) {
        one(name) ? read(script, one(name).body) : []
    }
}
