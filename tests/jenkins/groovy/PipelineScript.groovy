/** What a Jenkinsfile is compiled to: its unknown functions are steps, its unknown names variables of the job. */
abstract class PipelineScript extends Script {
    void pipeline(Closure body) {
        binding.runner.pipeline(this, body)
    }

    Object methodMissing(String name, Object arguments) {
        List<Object> given = (arguments as Object[]).toList()
        Script ours = binding.runner.libraryStep(name)
        ours ? ours.invokeMethod('call', given as Object[]) : binding.runner.steps.call(name, given)
    }
}
