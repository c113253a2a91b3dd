internal import Configuration
internal import MemifController

/// Looks settings up: flags before the environment, the environment before the file. A value that
/// makes no sense is an error with its place, and never passed over for the next layer's.
struct SettingsReader {
    /// One place that settings come from.
    struct Layer {
        var values: any ConfigSnapshot
        /// Whether it is one of several files, whose lists are taken together.
        var isFile = false
        /// The key as it is spelled there, with the place where that is not plain.
        var spell: ([String]) -> String

        /// Whether it has a value for a key.
        func has(_ key: [String]) -> Bool {
            [ConfigType.stringArray, .string].contains { type in
                let found = try? values.value(forKey: AbsoluteConfigKey(key), type: type)
                return found?.value != nil
            }
        }
    }

    private let layers: [Layer]

    /// - Parameter layers: the one that is asked first at the front.
    init(_ layers: [Layer]) { self.layers = layers }

    private func refuse(
        _ place: String, _ value: String, _ expectation: String
    ) -> SettingsError {
        SettingsError(place, "is '\(value.printable)'", remedy: "write \(expectation)")
    }

    /// A value and its place.
    private func find(_ key: [String]) throws(SettingsError) -> (text: String, place: String)? {
        for layer in layers {
            let place = layer.spell(key)
            do {
                let found = try layer.values.value(forKey: AbsoluteConfigKey(key), type: .string)
                if case .string(let text) = found.value?.content { return (text, place) }
            } catch {
                throw SettingsError(
                    place, "is a list or a group of settings", remedy: "write one value")
            }
        }
        return nil
    }

    /// Any text.
    func text(_ key: [String]) throws(SettingsError) -> String? { try find(key)?.text }

    /// Several texts.
    func list(_ key: [String]) throws(SettingsError) -> [String]? {
        for layer in layers {
            if let texts = try list(key, in: layer) { return texts }
        }
        return nil
    }

    /// Several texts, of all files together: those of the one that is asked last at the front.
    func joinedList(_ key: [String]) throws(SettingsError) -> [String] {
        var joined: [String] = []
        for layer in layers {
            guard let texts = try list(key, in: layer) else { continue }
            if !layer.isFile { return texts }
            joined = texts + joined
        }
        return joined
    }

    private func list(_ key: [String], in layer: Layer) throws(SettingsError) -> [String]? {
        do {
            let found = try layer.values.value(forKey: AbsoluteConfigKey(key), type: .stringArray)
            if case .stringArray(let texts) = found.value?.content { return texts }
            return nil
        } catch {
            throw SettingsError(
                layer.spell(key), "is no list", remedy: "write one, such as [a, b]")
        }
    }

    /// Where a key has its value from; the key alone where it has none.
    func place(of key: [String]) -> String { origin(of: key) ?? key.joined(separator: ".") }

    /// Where a key has its value from; nil where it has none.
    func origin(of key: [String]) -> String? {
        layers.first { $0.has(key) }?.spell(key)
    }

    /// Where a list of all files together has its parts from, in their order; nil where it has none.
    func joinedOrigin(of key: [String]) -> String? {
        let having = layers.filter { $0.has(key) }
        guard let first = having.first, first.isFile else { return having.first?.spell(key) }
        return having.reversed().map { $0.spell(key) }.joined(separator: ", ")
    }

    /// A whole number.
    func number(_ key: [String], in range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        guard let (text, place) = try find(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw refuse(
                place, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Bytes: a whole number, with KiB, MiB or GiB after it where that is meant.
    func size(_ key: [String], in range: ClosedRange<UInt64>) throws(SettingsError) -> UInt64? {
        guard let (text, place) = try find(key) else { return nil }
        let units = ["": 0, "KiB": 10, "MiB": 20, "GiB": 30]
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let shift = units[String(unit)], let number = UInt64(digits),
            number <= range.upperBound >> shift, range.contains(number << shift)
        else {
            throw refuse(
                place, text,
                "bytes from \(range.lowerBound) to \(range.upperBound), such as 64MiB or 1GiB")
        }
        return number << shift
    }

    /// A length of time.
    func duration(
        _ key: [String], in range: ClosedRange<Duration>
    ) throws(SettingsError) -> Duration? {
        guard let (text, place) = try find(key) else { return nil }
        guard let duration = Duration(shortForm: text), range.contains(duration) else {
            throw refuse(
                place, text,
                "a whole number with ms, s or m, such as '500ms', from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return duration
    }

    /// Yes or no.
    func flag(_ key: [String]) throws(SettingsError) -> Bool? {
        guard let (text, place) = try find(key) else { return nil }
        switch text {
        case "true", "yes": return true
        case "false", "no": return false
        default: throw refuse(place, text, "true or false")
        }
    }

    /// Where metrics are served.
    func metrics(_ key: [String]) throws(SettingsError) -> MetricsAddress? {
        guard let (text, place) = try find(key) else { return nil }
        guard let address = MetricsAddress(text) else {
            throw refuse(
                place, text,
                "a socket's path, 127.0.0.1:port or [::1]:port; no other machine is served")
        }
        return address
    }

    /// One of several words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: [String], _ type: Choice.Type
    ) throws(SettingsError) -> Choice? {
        guard let (text, place) = try find(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw refuse(
                place, text, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}
