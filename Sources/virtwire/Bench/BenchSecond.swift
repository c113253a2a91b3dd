/// What a bench prints each second.
struct BenchSecond {
    let passed: Passed
    let answers: Answers

    init(seconds: Double, rate: RateRecord, trips: RoundTrips, before: RoundTrips) {
        passed = Passed(seconds: seconds, rate: rate)
        answers = Answers(
            seconds: seconds, answers: trips.count - before.count, lost: trips.lost,
            mean: trips.mean.rounded(to: 2))
    }

    /// What went through.
    struct Passed: Encodable {
        let seconds: Double
        let rate: RateRecord

        var text: String { "\(seconds.fixed(1)) s  \(rate.text)" }
    }

    /// What was answered. The time is in microseconds.
    struct Answers: Encodable {
        let seconds: Double
        let answers: UInt64
        let lost: UInt64
        let mean: Double

        enum CodingKeys: String, CodingKey {
            case seconds, answers, lost
            case mean = "mean_us"
        }

        var text: String {
            "\(seconds.fixed(1)) s  \(answers) answers, \(lost) lost, "
                + "mean round trip \(mean.fixed(1)) us"
        }
    }
}
