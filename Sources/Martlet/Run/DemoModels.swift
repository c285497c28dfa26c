import Foundation
import MartletLogic
import MartletWorkers

/// The models that serve when nothing is configured: installed by the launcher, absent otherwise.
struct DemoModels {
    private(set) var backends: [BackendSpec] = []
    private(set) var remarks: [String] = []
    /// How many requests each one works on at a time.
    let slots = ["smollm2": 4]

    /// Looks in `MARTLET_HOME` (the launcher sets it) for what was installed.
    init(environment: [String: String]) {
        let home = environment["MARTLET_HOME"] ?? FileManager.default.currentDirectoryPath
        let python = "\(home)/.martlet/venv/bin/python"
        let scripts = [("smollm2", "\(home)/models/smollm2.py"), ("e5", "\(home)/models/e5.py")]
        guard FileManager.default.isExecutableFile(atPath: python) else {
            remarks = [
                "The demo models are not installed (./martlet up installs them). Nothing is served yet;",
                "name a backend with --upstream URL, or give a configuration file.",
            ]
            return
        }
        backends = scripts.filter { FileManager.default.fileExists(atPath: $0.1) }.map { name, script in
            var spec = BackendSpec(name: name, command: [python, script, "--port", "{port}"])
            spec.policy.readyWithin = .seconds(60)
            return spec
        }
        remarks = [
            "Serving the demo models: smollm2 (135 million parameters, tiny, English only) and e5 (embeddings).",
            "For real work name your own backends: ./martlet up --upstream http://vllm1:8000",
        ]
    }
}
