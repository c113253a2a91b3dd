internal import Logging
internal import MemifController

/// The daemon with what an operator has around it: reports to the service manager, and metrics.
struct DaemonService {
    let daemon: Daemon
    /// Where metrics are served; nil: nowhere.
    let metrics: MetricsAddress?
    /// The group of the socket where they are; nil: the daemon's own.
    let metricsGroup: String?
    let answers: MetricsAnswers
    let logger: Logger

    /// Serves until its task is cancelled.
    ///
    /// - Throws: `PortError` as `Daemon.run`. Metrics that cannot be served are logged, and keep
    ///   nothing else from running.
    func run() async throws(PortError) {
        let reports = ServiceReports(logger: logger)
        let (readiness, ready) = AsyncStream.makeStream(of: Void.self)
        let result = await withTaskCancellationHandler {
            await withTaskGroup { group in
                group.addTask { await reports?.run(daemon) }
                group.addTask {
                    for await _ in readiness {}
                    await serveMetrics()
                }
                let result = await serve {
                    reports?.ready()
                    ready.finish()
                }
                group.cancelAll()
                return result
            }
        } onCancel: {
            reports?.stopping()
        }
        try result.get()
    }

    private func serve(whenReady: () -> Void) async -> Result<Void, PortError> {
        do throws(PortError) {
            return .success(try await daemon.run(reports: answers.reports, whenReady: whenReady))
        } catch {
            return .failure(error)
        }
    }

    /// Serves metrics until the task is cancelled.
    private func serveMetrics() async {
        guard let metrics, !Task.isCancelled else { return }
        do throws(PortError) {
            let server = try await MetricsServer(metrics, group: metricsGroup, answers)
            await answers.life.watch(daemon)
            await server.stop()
        } catch {
            logger.error("\(error.reason)", metadata: ["remedy": "\(error.remedy)"])
        }
    }
}
