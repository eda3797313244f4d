package org.jenkinsci.plugins.workflow.steps

/** What a step throws that was aborted, or ran out of time: the class of Jenkins' workflow-step-api, which files import. */
class FlowInterruptedException extends Exception {
    FlowInterruptedException(String message) { super(message) }
}
