// Placeholder until the program's first file.
@main
struct Placeholder {
    static func main() {}
}
