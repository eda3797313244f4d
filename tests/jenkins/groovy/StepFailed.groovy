/** A step that did not do its work; the message is what Jenkins would show. */
class StepFailed extends RuntimeException {
    StepFailed(String message) { super(message) }
}
