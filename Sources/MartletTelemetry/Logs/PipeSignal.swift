import Glibc

/// Writing to a pipe whose reader left raises SIGPIPE, which ends the process unless someone decided otherwise.
enum PipeSignal {
    /// Runs `body` with SIGPIPE held back on this thread, and takes it away if it was raised. The process's own choice
    /// is left alone: child processes would inherit it.
    static func held<Result>(during body: () -> Result) -> Result {
        var pipe = sigset_t()
        var before = sigset_t()
        // SAFETY: the calls of this function read and fill the two sets, and nothing keeps them.
        unsafe sigemptyset(&pipe)
        unsafe sigaddset(&pipe, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
        let result = body()
        var atOnce = timespec()
        // SAFETY: as above. One signal can be pending at most, so asking once is enough.
        unsafe sigtimedwait(&pipe, nil, &atOnce)
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        return result
    }
}
