/// Something that keeps packets from flowing, or will: where, what, and what to do.
struct Symptom: Encodable, Hashable {
    /// The domain, port, file or program that it is about.
    let subject: String
    let problem: String
    let remedy: String

    init(_ subject: String, _ problem: String, remedy: String) {
        self.subject = subject
        self.problem = problem
        self.remedy = remedy
    }

    static func table(of symptoms: [Symptom]) -> Table {
        var table = Table("SUBJECT", "PROBLEM", "WHAT TO DO")
        for symptom in symptoms { table.add(symptom.subject, symptom.problem, symptom.remedy) }
        return table
    }
}
