extension ConfigurationKeys {
    /// Tasks that are handed in again and again.
    static let cron: [ConfigurationKey] = [
        ConfigurationKey(
            "tasks.cron", .section,
            "Tasks that are handed in again and again, by one of all servers that have the same broker; all of these"
                + " have the same entries."),
        ConfigurationKey("tasks.cron.*", .section, "One entry, under a name of your choice."),
        ConfigurationKey(
            "tasks.cron.*.schedule", .text,
            "Minute, hour, day, month and weekday, as `\"*/5 * * * *\"`; with both days given, both must fit."),
        ConfigurationKey(
            "tasks.cron.*.every", .duration,
            "In place of that: at multiples of this time since 1970, at least `1s`."),
        ConfigurationKey(
            "tasks.cron.*.timezone", .text, "UTC",
            "Whose clocks `schedule` goes by, such as `Europe/Berlin`, with its summer time."),
        ConfigurationKey("tasks.cron.*.task", .text, "The name of the task. Required."),
        ConfigurationKey("tasks.cron.*.args", .list, "Its arguments."),
        ConfigurationKey("tasks.cron.*.kwargs", .section, "Its arguments by their names."),
        ConfigurationKey("tasks.cron.*.queue", .text, "Its queue; without it `tasks.queue`."),
        ConfigurationKey("tasks.cron.*.priority", .count, "0", "From 0, served first, to 9."),
        ConfigurationKey(
            "tasks.cron.*.expires", .duration, "A task that waited for so long since it was sent is not run any more."),
        ConfigurationKey(
            "tasks.cron.*.catch_up", .word, "last",
            "What becomes of times that passed while no server ran: `none` (only one that is not older than a minute is"
                + " sent), `last` (one task stands for all) or `all` (the last 100 are sent)."),
    ]
}
