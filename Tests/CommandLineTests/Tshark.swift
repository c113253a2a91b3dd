import Foundation
import Testing

/// The frames of a capture file, as Wireshark's own reader has them.
enum Tshark {
    struct Frame: Equatable {
        /// As long as it was when it came.
        let byteCount: Int
        let time: Date
        /// What of it is in the file.
        let bytes: [UInt8]
    }

    /// Reads a file, which must be whole.
    static func frames(of path: String) async throws -> [Frame] {
        let run = try await ProgramRun.run(
            "/usr/bin/tshark", "-n", "-r", path, "-T", "ek", "-x", "-J", "frame")
        #expect(run.status == 0, "\(run.errors)")
        // It reads what it can of a file that was cut off, and says so besides.
        #expect(!run.errors.contains("cut short"), "\(run.errors)")
        // Before each frame stands a line for those who keep an index.
        return try run.output.split(separator: "\n").filter { $0.hasPrefix(#"{"timestamp""#) }
            .map { line in
                try JSONDecoder().decode(Packet.self, from: Data(line.utf8)).frame
            }
    }

    private struct Packet: Decodable {
        let layers: Layers

        struct Layers: Decodable {
            let frame: Facts
            let raw: String

            enum CodingKeys: String, CodingKey {
                case frame
                case raw = "frame_raw"
            }
        }

        struct Facts: Decodable {
            let byteCount: String
            let time: String

            enum CodingKeys: String, CodingKey {
                case byteCount = "frame_frame_len"
                case time = "frame_frame_time_epoch"
            }
        }

        var frame: Frame {
            get throws {
                let digits = layers.raw.compactMap(\.hexDigitValue).map { UInt8($0) }
                return Frame(
                    byteCount: try #require(Int(layers.frame.byteCount)),
                    time: Date(
                        timeIntervalSince1970: try #require(Double(layers.frame.time))),
                    bytes: stride(from: 0, to: digits.count - 1, by: 2).map {
                        digits[$0] << 4 | digits[$0 + 1]
                    })
            }
        }
    }
}
