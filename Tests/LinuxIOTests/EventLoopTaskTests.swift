import LinuxIO
import Testing

@Suite("Event loops as executors", .timeLimit(.minutes(4)))
struct EventLoopTaskTests {
    @Test("run a task that prefers them on their thread, also behind each wait")
    func preference() async throws {
        let loop = try EventLoop.start(name: "executor")
        defer { loop.stop() }
        let places = await withTaskExecutorPreference(loop) {
            var places = [loop.isCurrent]
            await Task.yield()
            places.append(loop.isCurrent)
            await withCheckedContinuation { continuation in
                loop.schedule(after: .milliseconds(1)) { continuation.resume() }
            }
            places.append(loop.isCurrent)
            return places
        }
        #expect(places == [true, true, true])
        #expect(!loop.isCurrent)
    }

    @Test("run every job of many tasks that wake each other and are woken from elsewhere")
    func manyTasks() async throws {
        let loop = try EventLoop.start(name: "many tasks")
        defer { loop.stop() }
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask(executorPreference: loop) {
                    for _ in 0..<50 { await Task.yield() }
                    return await Task { @concurrent in number }.value
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 199 * 200 / 2)
    }

    @Test("look at timers and work between jobs that never end")
    func fairness() async throws {
        let loop = try EventLoop.start(name: "fairness")
        defer { loop.stop() }
        let end = Recorder<Bool>()
        await withTaskGroup { group in
            group.addTask(executorPreference: loop) {
                while end.all.isEmpty { await Task.yield() }
            }
            await withCheckedContinuation { continuation in
                loop.schedule(after: .milliseconds(1)) {
                    loop.submit { continuation.resume() }
                }
            }
            end.append(true)
        }
    }

    @Test("leave tasks to Swift's own threads once they are stopped")
    func stopping() async throws {
        let loop = try EventLoop.start(name: "stopped")
        let task = Task(executorPreference: loop) {
            loop.stop()
            await Task.yield()
            var turns = 0
            // The loop's thread ends after this job, and what follows runs elsewhere.
            while loop.isCurrent, turns < 1000 {
                await Task.yield()
                turns += 1
            }
            return loop.isCurrent
        }
        #expect(await !task.value)
        // A task that begins after the end runs too.
        #expect(await Task(executorPreference: loop) { 7 }.value == 7)
    }
}
