import MartletTelemetry
import Testing

@Suite struct TaskWorkerExpositionTests {
    @Test("a worker of tasks is told with its node name, and each task's runs by how they ended")
    func worker() {
        var readings = Readings(build: .init(version: "1", commit: "c"))
        var worker = Readings.TaskWorker("celery@here")
        worker.isReady = true
        worker.slots = 4
        worker.tasks = [("running", 2), ("reserved", 1)]
        worker.runs = [("tasks.add", "succeeded", 7), ("tasks.add", "failed", 1)]
        worker.runSeconds = [("tasks.add", 1.5)]
        readings.taskWorkers = [worker]
        let text = Exposition.text(totals: MeterTotals([]), labels: LabelRegistry(), readings: readings)
        for line in [
            #"martlet_task_worker_ready{worker="celery@here"} 1"#,
            #"martlet_task_worker_slots{worker="celery@here"} 4"#,
            #"martlet_task_worker_tasks{worker="celery@here",state="reserved"} 1"#,
            #"martlet_task_runs_total{worker="celery@here",name="tasks.add",outcome="failed"} 1"#,
            #"martlet_task_run_seconds_total{worker="celery@here",name="tasks.add"} 1.5"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }
}
